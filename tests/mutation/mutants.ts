// Mutants from the syntax tree: each is the text of a file with one small change
// that a test should notice.

import ts from "typescript";

/** One changed place in a file. */
export interface Mutant {
  /** The path of the file from the root of the project. */
  readonly file: string;
  /** The first and the last line of the change, from 1. */
  readonly lines: readonly [first: number, last: number];
  /** What kind of change it is. */
  readonly operator: Operator;
  /** The changed lines as they were, with single spaces. */
  readonly from: string;
  /** The changed lines as they are in the mutant, with single spaces. */
  readonly to: string;
  /** The line before them, with single spaces. */
  readonly lineBefore: string;
  /** The whole text of the file in the mutant. */
  readonly text: string;
}

/** The kinds of change. */
export type Operator =
  | "negate a condition"
  | "swap an operator"
  | "swap a method"
  | "change a constant"
  | "remove a statement"
  | "remove an await"
  | "remove a finally";

/** A replacement in the text, before it has been applied. */
interface Change {
  readonly operator: Operator;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

const { SyntaxKind } = ts;

const SWAPPED_OPERATORS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [SyntaxKind.LessThanToken, "<="],
  [SyntaxKind.LessThanEqualsToken, "<"],
  [SyntaxKind.GreaterThanToken, ">="],
  [SyntaxKind.GreaterThanEqualsToken, ">"],
  [SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [SyntaxKind.AmpersandAmpersandToken, "||"],
  [SyntaxKind.BarBarToken, "&&"],
  [SyntaxKind.QuestionQuestionToken, "&&"],
  [SyntaxKind.PlusToken, "-"],
  [SyntaxKind.MinusToken, "+"],
  [SyntaxKind.AsteriskToken, "/"],
  [SyntaxKind.SlashToken, "*"],
  [SyntaxKind.PercentToken, "*"],
  [SyntaxKind.AsteriskAsteriskToken, "*"],
  [SyntaxKind.PlusEqualsToken, "-="],
  [SyntaxKind.MinusEqualsToken, "+="],
  [SyntaxKind.AsteriskEqualsToken, "/="],
  [SyntaxKind.QuestionQuestionEqualsToken, "="],
  [SyntaxKind.BarBarEqualsToken, "="],
  [SyntaxKind.AmpersandAmpersandEqualsToken, "="],
]);

const SWAPPED_METHODS: Readonly<Record<string, string>> = {
  some: "every",
  every: "some",
  min: "max",
  max: "min",
  push: "unshift",
  startsWith: "endsWith",
  endsWith: "startsWith",
  findLastIndex: "findIndex",
  ceil: "floor",
  floor: "ceil",
};

/**
 * All mutants of a file.
 *
 * @param file Its path from the root of the project.
 * @param text Its TypeScript.
 */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const changes: Change[] = [];
  const visit = (node: ts.Node): void => {
    if (isWithoutEffect(node)) return;
    changes.push(...changesOf(node, source));
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return changes.map((change) => apply(change, file, source));
}

/** Whether nothing of a node exists at run time, or nothing of it can change. */
function isWithoutEffect(node: ts.Node): boolean {
  return ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node) ||
    ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) || ts.isTypeParameterDeclaration(node) ||
    ts.isExportDeclaration(node) || isSetOfNames(node);
}

/** Whether only the keys of an object are used, as of `{ openMs: true, … }`. */
function isSetOfNames(node: ts.Node): boolean {
  return ts.isObjectLiteralExpression(node) && node.properties.length > 1 &&
    node.properties.every((property) =>
      ts.isSpreadAssignment(property) || ts.isPropertyAssignment(property) &&
        property.initializer.kind === SyntaxKind.TrueKeyword
    );
}

/**
 * Whether an `await` is needed only for stack traces: the one of a `return`, unless
 * something is closed when the block ends.
 */
function isForTracesOnly(node: ts.AwaitExpression): boolean {
  if (!ts.isReturnStatement(node.parent)) return false;
  for (let outer: ts.Node = node.parent; outer; outer = outer.parent) {
    if (ts.isTryStatement(outer)) return false;
    if (ts.isBlock(outer) && /\busing \w/.test(outer.getText())) return false;
    if (ts.isFunctionLike(outer)) return true;
  }
  return true;
}

function* changesOf(
  node: ts.Node,
  source: ts.SourceFile,
): Generator<Change> {
  const replace = (
    operator: Operator,
    replacement: string,
    target: ts.Node = node,
  ): Change => ({
    operator,
    replacement,
    start: target.getStart(source),
    end: target.getEnd(),
  });
  const condition = conditionOf(node);
  if (condition !== undefined) {
    const negated = `!(${condition.getText(source)})`;
    yield replace("negate a condition", negated, condition);
  }
  if (ts.isBinaryExpression(node)) {
    const swapped = SWAPPED_OPERATORS.get(node.operatorToken.kind);
    if (swapped !== undefined && !isTextJoined(node)) {
      yield replace("swap an operator", swapped, node.operatorToken);
    }
  } else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === SyntaxKind.ExclamationToken) {
      yield replace("negate a condition", node.operand.getText(source));
    } else if (node.operator === SyntaxKind.MinusToken) {
      yield replace("swap an operator", node.operand.getText(source));
    }
  } else if (ts.isAwaitExpression(node)) {
    if (isForTracesOnly(node)) return;
    yield replace("remove an await", node.expression.getText(source));
  } else if (ts.isTryStatement(node) && node.finallyBlock) {
    yield replace("remove a finally", "{}", node.finallyBlock);
  } else if (ts.isPropertyAccessExpression(node)) {
    const name = node.name.text;
    const isCalled = ts.isCallExpression(node.parent) &&
      node.parent.expression === node;
    if (isCalled && Object.hasOwn(SWAPPED_METHODS, name)) {
      yield replace("swap a method", SWAPPED_METHODS[name]!, node.name);
    }
  } else if (isRemovable(node)) {
    yield replace("remove a statement", isInBlock(node) ? ";" : "{}");
  } else {
    for (const constant of otherConstants(node, source)) {
      yield replace("change a constant", constant);
    }
  }
  if (
    ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)
  ) {
    const text = node.getText(source);
    const swapped = text.includes("++")
      ? text.replace("++", "--")
      : text.replace("--", "++");
    if (swapped !== text) yield replace("swap an operator", swapped);
  }
}

/** What decides which way a statement or an expression takes. */
function conditionOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) {
    return node.expression;
  }
  return ts.isForStatement(node) || ts.isConditionalExpression(node)
    ? node.condition
    : undefined;
}

/** Whether a `+` joins texts: there a `-` is no operator that anybody confuses. */
function isTextJoined({ left, right }: ts.BinaryExpression): boolean {
  return [left, right].some((side) =>
    ts.isStringLiteralLike(side) || ts.isTemplateExpression(side)
  );
}

/** Whether a statement stands in a list of statements. */
const isInBlock = ({ parent }: ts.Node) =>
  ts.isBlock(parent) || ts.isSourceFile(parent) ||
  ts.isCaseOrDefaultClause(parent);

/** Whether a statement can be left out and the rest still compiles. */
function isRemovable(node: ts.Node): boolean {
  if (ts.isExpressionStatement(node)) {
    return !(ts.isCallExpression(node.expression) &&
      node.expression.expression.kind === SyntaxKind.SuperKeyword);
  }
  return ts.isThrowStatement(node) || ts.isContinueStatement(node) ||
    ts.isBreakStatement(node) ||
    ts.isReturnStatement(node) && node.expression === undefined;
}

/** Other constants of the same type. */
function otherConstants(node: ts.Node, source: ts.SourceFile): string[] {
  if (node.kind === SyntaxKind.TrueKeyword) return ["false"];
  if (node.kind === SyntaxKind.FalseKeyword) return ["true"];
  if (isName(node)) return [];
  if (ts.isNumericLiteral(node)) {
    return [String(Number(node.text.replaceAll("_", "")) + 1)];
  }
  if (ts.isStringLiteralLike(node)) {
    return [node.text === "" ? '"mutated"' : '""'];
  }
  if (ts.isTemplateExpression(node)) {
    const { head } = node;
    const text = node.getText(source);
    // Only the words at the start change; the values are changed elsewhere.
    return head.text === "" ? [] : ["`" + text.slice(head.text.length + 1)];
  }
  return [];
}

/** Whether a literal is the name of a property, a module or a symbol. */
function isName(node: ts.Node): boolean {
  const { parent } = node;
  return ts.isPropertyAssignment(parent) && parent.name === node ||
    ts.isImportTypeNode(parent) || ts.isExternalModuleReference(parent) ||
    ts.isCallExpression(parent) && parent.expression.getText() === "Symbol";
}

function apply(
  { operator, start, end, replacement }: Change,
  file: string,
  source: ts.SourceFile,
): Mutant {
  const original = source.text;
  const lineStart = original.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = (original.indexOf("\n", end) + 1 || original.length + 1) - 1;
  const before = original.slice(lineStart, start);
  const after = original.slice(end, lineEnd);
  return {
    file,
    operator,
    lines: [lineOf(start, source), lineOf(end, source)],
    from: onOneLine(original.slice(lineStart, lineEnd)),
    to: onOneLine(before + replacement + after),
    lineBefore: onOneLine(
      original.slice(0, lineStart).trimEnd().split("\n").at(-1)!,
    ),
    text: original.slice(0, start) + replacement + original.slice(end),
  };
}

const lineOf = (position: number, source: ts.SourceFile) =>
  source.getLineAndCharacterOfPosition(position).line + 1;

const onOneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();
