// The library with a listener of the test's own on every chain, the inner ones
// too: to check that a listener changes nothing.

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
 * A subject that is withListener to.
 *
 * @param listen Makes the listener of a call around the scenario's own.
 */
export function withListener(
  listen: (own: FallbackListener | undefined) => FallbackListener,
): Subject {
  const addListener = <Options extends Listening>(
    options?: Options,
  ): Options => ({
    ...options!,
    onEvent: listen(options?.onEvent as FallbackListener | undefined),
  });
  return {
    fallbackStream: (models, request, options) =>
      fallbackStream(models, request, addListener(options)),
    fallbackModel: (models, options) =>
      fallbackModel(models as never, addListener(options)),
    continueStream: (models, request, options) =>
      continueStream(models, request, addListener(options)),
  };
}
