// What a supplier's program does on its first day, by nothing but the client that was generated from the schema.
import { Configuration, CreditApi, CustomersApi, EventsApi, InvoicesApi, PaymentsApi, ResponseError } from "./client";

declare const process: { env: Record<string, string | undefined>; exit(code: number): void };

const basePath = process.env.BASE ?? "";
const config = new Configuration({ basePath, accessToken: process.env.TOKEN });
const invoices = new InvoicesApi(config);
const customers = new CustomersApi(config);
let calls = 0;

function check(holds: boolean, what: string): void {
  calls += 1;
  if (!holds) throw new Error(`not so: ${what}`);
}

async function refusal(call: Promise<unknown>): Promise<{ status: number; code: string; detail_fr: string }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ResponseError) return await error.response.json();
    throw error;
  }
  throw new Error("not refused");
}

/** A company number that nobody has yet, with its check digit (Luhn). */
function freshSiren(): string {
  const stem = String(Date.now() % 100_000_000).padStart(8, "0");
  const sum = [...stem].reverse().reduce((total, digit, at) => {
    const counted = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return total + (counted > 9 ? counted - 9 : counted);
  }, 0);
  return stem + String((10 - (sum % 10)) % 10);
}

async function story(): Promise<void> {
  const run = Date.now().toString(36);
  const siren = freshSiren();
  const address = { line1: "1 rue du Four", postcode: "75006", city: "Paris", country: "FR" };
  const customer = await customers.createCustomer({
    idempotencyKey: `customer-${run}`,
    customerInput: { name: "Boulangerie du Four", siren, address },
  });
  check(customer.accountCode !== "", "a customer has an account");

  const invoiceRequest = {
    buyer: { name: "Boulangerie du Four", siren, address },
    lines: [{ name: "Journée de conseil", quantity: "2", netPrice: "500.10", vatRate: "20" }],
  };
  const asked = { idempotencyKey: `order-${run}`, invoiceRequest };
  const issued = await invoices.createInvoice(asked);
  check(issued.totalWithVat === "1200.24", `the total is exact: ${issued.totalWithVat}`);
  const again = await invoices.createInvoice(asked);
  check(again.invoiceId === issued.invoiceId, "the same key issues once");
  const clash = await refusal(
    invoices.createInvoice({ ...asked, invoiceRequest: { ...invoiceRequest, lines: [] } }),
  );
  check(clash.status === 409 || clash.status === 422, `another input under the key is refused: ${clash.code}`);

  const year = issued.issueDate.getUTCFullYear();
  const file = await invoices.getInvoiceFile({ year, number: issued.number, form: "facturx" });
  const head = new TextDecoder().decode((await file.arrayBuffer()).slice(0, 5));
  check(head === "%PDF-", "the file is a PDF, byte for byte");
  const xml = await invoices.getInvoiceFile({ year, number: issued.number, form: "cii" });
  check((await xml.text()).includes("CrossIndustryInvoice"), "and the same as CII");

  const listed = await invoices.listInvoices({ q: issued.number });
  check(listed.invoices.some((each) => each.invoiceId === issued.invoiceId), "it is found by its number");

  const exposure = new CreditApi(config);
  const before = await exposure.getCustomerExposure({ customer: customer.accountCode });
  const paid = await new PaymentsApi(config).createPayment({
    idempotencyKey: `cheque-${run}`,
    paymentInput: { kind: "cheque", customer: customer.accountCode, amount: "1200.24", reference: `CHQ-${run}`, drawer: "Boulangerie du Four" },
  });
  check(paid.payment.amount === "1200.24", "a payment is written down to the cent");
  const after = await exposure.getCustomerExposure({ customer: customer.accountCode });
  check(Number(after.total) < Number(before.total), "and the exposure falls at once");

  const told: string[] = [];
  let position = 0;
  for (let page = 0; page < 200; page += 1) {
    const events = await new EventsApi(config).listEvents({ after: position });
    if (events.events.length === 0) break;
    told.push(...events.events.filter((each) => each.invoiceId === issued.invoiceId).map((each) => each.kind));
    position = events.nextAfter;
  }
  check(told.includes("invoice.issued"), `the log tells of it: ${told.join(", ")}`);

  const missing = await refusal(customers.getCustomer({ accountCode: "C99999" }));
  check(missing.status === 404 && missing.detail_fr !== "", "what is not there is said in French too");
  console.log(`typescript: ${calls} checks held, customer ${customer.accountCode}, invoice ${issued.number}`);
}

story().catch(async (error: unknown) => {
  if (error instanceof ResponseError) console.error(error.response.status, await error.response.text());
  console.error(error);
  process.exit(1);
});
