// The copy button beside a confirmation link. Without it the link can still be selected by hand.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".confirmation-link button");
  if (!button) return;
  const field = button.previousElementSibling;
  const done = () => { button.textContent = "Copié ✓"; };
  field.select();
  if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done);
  else if (document.execCommand("copy")) done(); // pages without TLS have no clipboard API
});
