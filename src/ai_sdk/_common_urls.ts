// Which URLs a chain can leave to its models: those that all of them fetch
// themselves. The SDK downloads the others and sends their content.

type Urls = Record<string, RegExp[]>;

/** What is asked about its URLs. */
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

/** Those of a model that cannot say are none: what is downloaded suits all. */
async function urlsOf(model: Fetching): Promise<Urls> {
  try {
    return await model.supportedUrls;
  } catch {
    return {};
  }
}
