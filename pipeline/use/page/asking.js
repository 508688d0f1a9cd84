// Asks the server, and puts what keeps it from answering into one line.

const PATIENCE = 60_000; // milliseconds for an answer: others may be waiting for theirs
const TRIES = 30; // while the server says that it has too many photographs at once

export class Refused extends Error {}

// What the server says of its models and its limits.
export async function askAbout() {
  return read(await send("about", {}));
}

// The faces of a photograph (a Blob), see answers.py.
export async function askFaces(photograph, name) {
  const request = { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: photograph };
  const address = `faces?name=${encodeURIComponent(name.slice(0, 200))}`;
  for (let tried = 1; ; tried++) {
    const response = await send(address, request);
    if (response.status !== 429 || tried === TRIES) return read(response);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function send(address, request) {
  try {
    return await fetch(address, { ...request, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new Refused("fercrop does not answer. Is it still running?");
  }
}

async function read(response) {
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Refused(`fercrop answers with ${response.status}. Try again.`);
  }
  if (answer.error) throw new Refused(answer.error);
  return answer;
}
