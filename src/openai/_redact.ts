// What a server is told in confidence must not come back in an error, which
// ends up in logs: neither whole nor, where a text is cut, in part.

/** Takes every secret out of a text. */
export type Redact = (text: string) => string;

/** No longer than the shortest secret, so that no text grows by it. */
const REDACTED = "***";

/** Shorter ones are placeholders, as local servers are given them. */
const SHORTEST_SECRET = 4;

/** How much of a secret at the end of a cut text gives it away. */
const SHORTEST_PART = 8;

/**
 * Makes a function that takes secrets out of texts.
 *
 * @param secrets What must not be shown.
 * @returns The function.
 */
export function redactor(secrets: readonly string[]): Redact {
  const spellings = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    // The second is how some servers write a slash in JSON.
    .flatMap((secret) => [secret, secret.replaceAll("/", "\\/")]);
  return (text) => {
    for (const secret of spellings) {
      text = withoutPart(text.replaceAll(secret, REDACTED), secret);
    }
    return text;
  };
}

/** A text without the beginning of a secret at its end. */
function withoutPart(text: string, secret: string): string {
  for (let length = secret.length - 1; length >= SHORTEST_PART; length--) {
    if (text.endsWith(secret.slice(0, length))) {
      return text.slice(0, -length) + REDACTED;
    }
  }
  return text;
}
