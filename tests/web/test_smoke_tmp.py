from __future__ import annotations


def test_all(client, house):
    out = []

    def get(path):
        r = client.get(path)
        out.append((r.status_code, len(r.data), path))
        assert r.status_code < 500 or 0, r.text[:3000]
        return r

    for s, l in house.links.items():
        get(l)
    for p in (
        "/",
        "/sign-in",
        "/sign-in/sent",
        "/sign-in/xx",
        "/healthz",
        "/robots.txt",
        "/favicon.ico",
        "/nope",
        "/c/",
        "/s/",
    ):
        get(p)
    house.sign_in(client, "customer")
    for p in ("/", "/c/", "/c/invoices", "/c/invoices?show=late&q=F", "/c/receipts"):
        get(p)
    for s, i in house.invoices.items():
        get(f"/c/invoices/{i.invoice_id}")
    r = get(f"/c/invoices/{house.invoices['paid'].invoice_id}/documents/{house.document_id}")
    print(r.headers)
    house.sign_in(client, "collector")
    for p in (
        "/",
        "/s/",
        "/s/?q=bou",
        "/s/invoices",
        "/s/problems",
        "/s/mails",
        f"/s/mails/{house.mail_id}",
        f"/s/customers/{house.customer_id}",
    ):
        get(p)
    for s, i in house.invoices.items():
        get(f"/s/invoices/{i.invoice_id}")
    for o in out:
        print(o)
