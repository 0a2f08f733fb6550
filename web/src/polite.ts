const atOnce = 2; // requests that run side by side
const waiting: (() => void)[] = [];
let running = 0;

/** politely runs what asks the server when few others do, in order; what is aborted meanwhile is left out. */
export async function politely<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T | undefined> {
  if (running >= atOnce) await new Promise<void>((go) => waiting.push(go)); // the one that ends hands on its part
  else running++;
  try {
    return signal.aborted ? undefined : await run();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
