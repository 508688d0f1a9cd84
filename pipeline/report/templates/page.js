// A click on a column's header sorts the table by it, the next click the other way round. What is equal keeps its order.
const words = new Intl.Collator("en", { numeric: true });

// The number that a text begins with: 56.6% (+1.1) as 56.6, 1,234 as 1234, and <0.001 as a little less than 0.001.
function number(text) {
  return parseFloat(text.replace(/[<,]/g, "")) - (text.startsWith("<") ? 1e-9 : 0);
}

function compare(a, b, numbers) {
  return numbers ? number(a) - number(b) : words.compare(a, b);
}

for (const button of document.querySelectorAll("th button")) {
  const head = button.closest("th"), heads = [...head.parentNode.cells], column = heads.indexOf(head);
  button.disabled = false;
  button.addEventListener("click", () => {
    const turned = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", turned === 1 ? "ascending" : "descending");
    const text = (row) => row.cells[column].textContent;
    for (const body of head.closest("table").tBodies) {
      const rows = [...body.rows].filter((row) => row.cells.length === heads.length); // without the title of a group
      rows.sort((a, b) => {
        // Empty cells come last either way.
        if (!text(a) || !text(b)) return !text(a) - !text(b);
        return turned * compare(text(a), text(b), head.className === "number");
      });
      body.append(...rows);
    }
  });
}
