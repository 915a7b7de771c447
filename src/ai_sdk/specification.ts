/**
 * The types of the AI SDK's language model specification that a chain knows.
 *
 * @module
 */

import type * as sdk from "@ai-sdk/provider";

/** A language model of AI SDK 7. */
export type LanguageModelV4 = sdk.LanguageModelV4;
/** The call options of a language model of AI SDK 7. */
export type LanguageModelV4CallOptions = sdk.LanguageModelV4CallOptions;
/** One part of an answer of a language model of AI SDK 7. */
export type LanguageModelV4StreamPart = sdk.LanguageModelV4StreamPart;
/** A language model of AI SDK 6. */
export type LanguageModelV3 = sdk.LanguageModelV3;
/** The call options of a language model of AI SDK 6. */
export type LanguageModelV3CallOptions = sdk.LanguageModelV3CallOptions;
/** One part of an answer of a language model of AI SDK 6. */
export type LanguageModelV3StreamPart = sdk.LanguageModelV3StreamPart;
/** Options for providers, by the provider's name. */
export type ProviderOptions = sdk.SharedV4ProviderOptions;
