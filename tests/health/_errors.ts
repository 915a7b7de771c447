/** An error that counts as a failure of its model. */
export const overloaded = (): Error =>
  Object.assign(new Error("overloaded"), { status: 529 });
