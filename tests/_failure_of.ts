// What a promise rejects with, whatever that is.

/** Gives it; it is a failure of the test if the promise does not reject. */
export async function failureOf(
  promise: PromiseLike<unknown>,
): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}
