/* Passkeys: a form marked data-passkey asks the server what to ask, asks the browser, and sends
   the answer in its field "credential". */
(() => {
  "use strict";

  const able = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);
  const REASONS = {
    NotAllowedError: "No passkey was used: it was cancelled, or took too long. Nothing was changed; try again.",
    InvalidStateError: "This device already holds a passkey of your account. Nothing was changed.",
    SecurityError: "Passkeys do not work at this address. Nothing was changed.",
    NotSupportedError: "This device cannot make a passkey that is accepted here. Nothing was changed.",
  };
  const OTHERWISE = "The passkey could not be used. Nothing was changed; try again in a moment.";

  class Refused extends Error {}

  const ceremonies = {
    get: (options) =>
      navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
    create: (options) =>
      navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  };

  const answer = async (form) => {
    const response = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
    // Whoever may no longer ask was sent to another page: loading this one again goes there.
    if (response.redirected) return location.reload();
    const options = await response.json();
    if (!response.ok) throw new Refused(options.error);
    form.elements.credential.value = JSON.stringify(await ceremonies[form.dataset.passkey](options));
    form.submit();
  };

  const show = (form, text) => {
    const notice = form.querySelector("[data-passkey-error]");
    notice.hidden = !text;
    notice.querySelector("span").textContent = text;
  };

  const send = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector("button[type=submit]");
    show(form, "");
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      await answer(form);
    } catch (error) {
      show(form, error instanceof Refused ? error.message : (REASONS[error.name] ?? OTHERWISE));
      button.disabled = false;
      button.removeAttribute("aria-busy");
      button.focus();
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", send);
    form.hidden = !able;
  }
  for (const notice of document.querySelectorAll("[data-passkey-unable]")) notice.hidden = able;
})();
