// deno-lint-ignore-file no-explicit-any -- as std declares it
/** The error for what cannot be spied on, stubbed, restored or returned. */
export class MockError extends Error {
  /**
   * Constructs an error.
   *
   * @param message What cannot be done, and why.
   */
  constructor(message: string);
}

/** One call, as a spy has recorded it. */
export interface SpyCall<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> {
  /** What it was called with. */
  args: Args;
  /** What it returned. */
  returned?: Return;
  /** What it threw. */
  error?: Error;
  /** What it was called on. */
  self?: Self;
}

/** A function that records its calls. */
export interface Spy<Self = any, Args extends unknown[] = any[], Return = any> {
  (this: Self, ...args: Args): Return;
  /** The function that it wraps. */
  original: (this: Self, ...args: Args) => Return;
  /** Its calls, first to last. */
  calls: SpyCall<Self, Args, Return>[];
  /** Whether the original is back in its place. */
  restored: boolean;
  /** Puts the original back in its place. */
  restore(): void;
}

/** A method that records its calls, and is put back at the end of the scope. */
export interface MethodSpy<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> extends Spy<Self, Args, Return>, Disposable {}

/** A class that records how it is constructed. */
export interface ConstructorSpy<Self = any, Args extends unknown[] = any[]> {
  new (...args: Args): Self;
  /** The class that it wraps. */
  original: new (...args: Args) => Self;
  /** Its calls, first to last. */
  calls: SpyCall<Self, Args, Self>[];
  /** Whether the original is back in its place. */
  restored: boolean;
  /** Throws: a class cannot be put back. */
  restore(): void;
}

/** Any spy. */
export type SpyLike<Self = any, Args extends unknown[] = any[], Return = any> =
  | Spy<Self, Args, Return>
  | ConstructorSpy<Self, Args>;

/** A method that records its calls and does something else. */
export interface Stub<Self = any, Args extends unknown[] = any[], Return = any>
  extends MethodSpy<Self, Args, Return> {
  /** What it does instead. */
  fake: (this: Self, ...args: Args) => Return;
}

/** What a method takes. */
export type GetParametersFromProp<Self, Prop extends keyof Self> =
  Self[Prop] extends (...args: infer Args) => unknown ? Args : unknown[];

/** What a method returns. */
export type GetReturnFromProp<Self, Prop extends keyof Self> =
  Self[Prop] extends (...args: any[]) => infer Return ? Return : unknown;

/** Opens a session: what is mocked from now on can be restored together. */
export function mockSession(): number;
/** A function that restores what was mocked while it ran. */
export function mockSession<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Return,
): (this: Self, ...args: Args) => Return;

/** An asynchronous function that restores what was mocked while it ran. */
export function mockSessionAsync<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Promise<Return>,
): (this: Self, ...args: Args) => Promise<Return>;

/** Puts back what was mocked in a session, or in the latest. */
export function restore(id?: number): void;

/** A function that does nothing but record its calls. */
export function spy<
  Self = any,
  Args extends unknown[] = any[],
  Return = undefined,
>(): Spy<
  Self,
  Args,
  Return
>;
/** A function that records its calls. */
export function spy<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Return,
): Spy<Self, Args, Return>;
/** A class that records how it is constructed. */
export function spy<Self, Args extends unknown[]>(
  constructor: new (...args: Args) => Self,
): ConstructorSpy<Self, Args>;
/** Makes a method record its calls until it is restored. */
export function spy<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): MethodSpy<
  Self,
  GetParametersFromProp<Self, Prop>,
  GetReturnFromProp<Self, Prop>
>;

/** Makes a method do nothing but record its calls until it is restored. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
/** Makes a method do something else until it is restored. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
  func: (
    this: Self,
    ...args: GetParametersFromProp<Self, Prop>
  ) => GetReturnFromProp<Self, Prop>,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;

/** What is expected of a call. */
export interface ExpectedSpyCall<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> {
  /** What it was called with. */
  args?: [...Args, ...unknown[]];
  /** What it was called on. */
  self?: Self;
  /** What it returned. */
  returned?: Return;
  /** What it threw. */
  error?: {
    /** The class of the error. */
    Class?: new (...args: any[]) => Error;
    /** What its message contains. */
    msgIncludes?: string;
  };
}

/** Throws unless a spy was called that often. */
export function assertSpyCalls<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Return>,
  expectedCalls: number,
): void;

/** Throws unless one of a spy's calls was as expected. */
export function assertSpyCall<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  expected?: ExpectedSpyCall<Self, Args, Return>,
): void;

/** Throws unless one of an asynchronous spy's calls was, and settled, as expected. */
export function assertSpyCallAsync<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Promise<Return>>,
  callIndex: number,
  expected?: ExpectedSpyCall<Self, Args, Promise<Return> | Return>,
): Promise<void>;

/** Throws unless a call had that argument in that place; gives it back. */
export function assertSpyCallArg<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArg,
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argIndex: number,
  expected: ExpectedArg,
): ExpectedArg;

/** Throws unless a call had these arguments; gives them back. */
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  expected: ExpectedArgs,
): ExpectedArgs;
/** The same, for the arguments from one place on. */
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argsStart: number,
  expected: ExpectedArgs,
): ExpectedArgs;
/** The same, for the arguments from one place to another. */
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argsStart: number,
  argsEnd: number,
  expected: ExpectedArgs,
): ExpectedArgs;

/** A method that returns what it is called on. */
export function returnsThis<Self = any, Args extends unknown[] = any[]>(): (
  this: Self,
  ...args: Args
) => Self;

/** A function that returns one of its arguments. */
export function returnsArg<Arg, Self = any>(
  idx: number,
): (this: Self, ...args: Arg[]) => Arg | undefined;

/** A function that returns its arguments, or some of them. */
export function returnsArgs<Args extends unknown[], Self = any>(
  start?: number,
  end?: number,
): (this: Self, ...args: Args) => Args;

/** A function that returns, or throws if it is an error, the next of these values. */
export function returnsNext<Return, Self = any, Args extends unknown[] = any[]>(
  values: Iterable<Return | Error>,
): (this: Self, ...args: Args) => Return;

/** A function that resolves to, or rejects with if it is an error, the next of these values. */
export function resolvesNext<
  Return,
  Self = any,
  Args extends unknown[] = any[],
>(
  iterable:
    | Iterable<Return | Error | Promise<Return | Error>>
    | AsyncIterable<Return | Error | Promise<Return | Error>>,
): (this: Self, ...args: Args) => Promise<Return>;
