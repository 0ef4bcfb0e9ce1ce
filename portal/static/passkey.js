// A passkey: the page holds the question, the device answers, the form takes the answer along. Other ways need no script.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const trouble = form.querySelector("[data-trouble]");
  const credentials = window.PublicKeyCredential;

  const show = (name) => {
    trouble.hidden = false;
    for (const each of trouble.querySelectorAll("[data-when]")) each.hidden = each.dataset.when !== name;
  };

  const ask = async () => {
    const options = JSON.parse(form.dataset.options);
    return form.dataset.passkey === "add"
      ? navigator.credentials.create({ publicKey: credentials.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: credentials.parseRequestOptionsFromJSON(options) });
  };

  if (!credentials || !credentials.parseRequestOptionsFromJSON) {
    show("missing");
    return;
  }
  for (const each of form.querySelectorAll("[data-needs-script]")) each.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    trouble.hidden = true;
    try {
      const given = await ask();
      form.elements.answer.value = JSON.stringify(given.toJSON());
      form.requestSubmit();
    } catch (error) {
      show(error.name === "InvalidStateError" ? "known" : "stopped");
    }
  });
})();
