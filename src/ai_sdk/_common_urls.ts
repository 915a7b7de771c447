// Which URLs a chain can leave to its models: those that all of them fetch
// themselves. The SDK downloads the others and sends their content.

type Urls = Record<string, RegExp[]>;

/** The patterns that all have in common, by media type. */
export async function commonUrls(
  models: readonly { supportedUrls: PromiseLike<Urls> | Urls }[],
): Promise<Urls> {
  const [first = {}, ...others] = await Promise.all(
    models.map(({ supportedUrls }) => supportedUrls),
  );
  const common = Object.entries(first).map(([mediaType, patterns]) => [
    mediaType,
    patterns.filter((pattern) =>
      others.every((urls) =>
        urls[mediaType]?.some((other) => String(other) === String(pattern))
      )
    ),
  ]);
  return Object.fromEntries(common);
}
