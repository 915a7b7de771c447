// The library with a listener of the test's own on every chain, the inner ones
// too: for what has to change nothing, whatever happens.

import {
  type FallbackListener,
  fallbackModel,
  type FallbackOptions,
  fallbackStream,
} from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import type { Subject } from "../contract/contract.ts";

type Listening = Pick<FallbackOptions<never, never>, "onEvent">;

/**
 * A subject that is listened to.
 *
 * @param listen Makes the listener of a call around the scenario's own.
 */
export function listened(
  listen: (own: FallbackListener | undefined) => FallbackListener,
): Subject {
  const hear = <Options extends Listening>(options?: Options): Options => ({
    ...options!,
    onEvent: listen(options?.onEvent as FallbackListener | undefined),
  });
  return {
    fallbackStream: (models, request, options) =>
      fallbackStream(models, request, hear(options)),
    fallbackModel: (models, options) =>
      fallbackModel(models as never, hear(options)),
    continueStream: (models, request, options) =>
      continueStream(models, request, hear(options)),
  };
}
