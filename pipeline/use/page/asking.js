// Asks the server, and puts what keeps it from answering into one line.

const PATIENCE = 60_000; // milliseconds for an answer: others may be waiting for theirs
const TRIES = 30; // while the server says that it has too many photographs

export class Refused extends Error {}
export class Busy extends Refused {} // it has too many photographs just now

export const second = () => new Promise((resolve) => setTimeout(resolve, 1000));

// What the server says of its models and its limits.
export async function askAbout() {
  return read(await send("about", {}));
}

// The faces of a photograph (a Blob), see answers.py.
export async function askFaces(photograph, name) {
  const request = { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: photograph };
  return read(await send(`faces?name=${encodeURIComponent(name.slice(0, 200))}`, request));
}

// The same, again and again while the server has too many photographs.
export async function askPatiently(photograph, name) {
  for (let tried = 1; ; tried++) {
    try {
      return await askFaces(photograph, name);
    } catch (error) {
      if (!(error instanceof Busy) || tried === TRIES) throw error;
      await second();
    }
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
  if (response.status === 429) throw new Busy(answer.error);
  if (answer.error) throw new Refused(answer.error);
  return answer;
}
