/** Any class that can be constructed. */
// deno-lint-ignore no-explicit-any -- as std declares it
export type AnyConstructor = new (...args: any[]) => any;

/** What a class constructs. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;

/** Throws unless the value is an instance of the class, and narrows it. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any -- as std declares it
  T extends abstract new (...args: any[]) => any,
>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T>;
