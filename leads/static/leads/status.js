// Nobody looks at a hidden page: it asks for nothing, and catches up at once when it is shown again.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) htmx.trigger("#progress", "look");
});
