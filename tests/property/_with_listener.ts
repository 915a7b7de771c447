// The library with an additional listener on every chain, also on inner chains.
// For tests that a listener does not change the result.

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
 * Makes a subject with an additional listener.
 *
 * @param listen Wraps the listener of a call, if it has one.
 */
export function withListener(
  listen: (own: FallbackListener | undefined) => FallbackListener,
): Subject {
  const withListener = <Options extends Listening>(
    options?: Options,
  ): Options => ({
    ...options!,
    onEvent: listen(options?.onEvent as FallbackListener | undefined),
  });
  return {
    fallbackStream: (models, request, options) =>
      fallbackStream(models, request, withListener(options)),
    fallbackModel: (models, options) =>
      fallbackModel(models as never, withListener(options)),
    continueStream: (models, request, options) =>
      continueStream(models, request, withListener(options)),
  };
}
