/** Far above any answer that a model gives; what is larger would only fill the memory. */
const mostBodyBytes = 32 * 1024 * 1024;

export class BodyTooLarge extends Error {
  constructor() {
    super(`the body has more than ${mostBodyBytes} bytes`);
    this.name = 'BodyTooLarge';
  }
}

/** `fetch`, whose bodies end with `BodyTooLarge` where an endpoint sends without end, before they are parsed. */
export async function cappedFetch(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counting(mostBodyBytes)), { status, statusText, headers });
}

function counting(most: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > most) controller.error(new BodyTooLarge());
      else controller.enqueue(chunk);
    },
  });
}
