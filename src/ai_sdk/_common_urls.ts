// Which URLs a chain can leave to its models: those that all of them fetch
// themselves. The SDK downloads the others and sends their content.

/** Patterns of URLs by media type. */
export type Urls = Record<string, RegExp[]>;

/** A model with the URLs that it fetches. */
interface Fetching {
  readonly supportedUrls: PromiseLike<Urls> | Urls;
}

/** The patterns that all have in common, by media type. */
export async function commonUrls(
  models: readonly Fetching[],
): Promise<Urls> {
  const [first = {}, ...others] = await Promise.all(models.map(urlsOf));
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

/** Returns none if a model has no list: every model accepts downloaded files. */
async function urlsOf(model: Fetching): Promise<Urls> {
  try {
    return await model.supportedUrls;
  } catch {
    return {};
  }
}
