// Foreign text, for messages and terminals: on one line, and not too long.

/**
 * A text without line ends and whatever else a terminal would act on.
 *
 * @param longest How many characters it may have; what is cut off shows as "…".
 */
export function oneLine(text: string, longest = 200): string {
  const line = text.replace(/[\s\p{C}]+/gu, " ").trim();
  if (line.length <= longest) return line;
  return `${line.slice(0, longest - 1).toWellFormed()}…`;
}
