// Faults against R21, as data: the stores with one thing wrong.

import type { Control, Edit } from "../controls/_control.ts";

const CIRCUIT = "src/health/_circuit.ts";
const OPTIONS = "src/health/options.ts";
const MEMORY = "src/health/memory_health.ts";
const KV = "src/health/kv_health.ts";

const fault = (
  file: string,
  name: string,
  from: string,
  to: string,
): Control & Edit => ({ name, file, from, to });

/** Every one of them has to be noticed. */
export const faults: readonly (Control & Edit)[] = [
  // When a circuit opens.
  fault(
    CIRCUIT,
    "opens one failure late",
    ">= rules.failures ||",
    "> rules.failures ||",
  ),
  fault(
    CIRCUIT,
    "opens by ratio before there are enough calls",
    "calls >= rules.minimumCalls &&",
    "",
  ),
  fault(
    CIRCUIT,
    "wants one call more for a ratio",
    "calls >= rules.minimumCalls",
    "calls > rules.minimumCalls",
  ),
  fault(
    CIRCUIT,
    "opens above the ratio only",
    "failures / calls >= rules",
    "failures / calls > rules",
  ),
  fault(
    CIRCUIT,
    "multiplies a ratio that is met exactly",
    "failures / calls >= rules.failureRatio!",
    "failures >= calls * rules.failureRatio!",
  ),
  fault(
    CIRCUIT,
    "opens by a ratio of 0 without a failure",
    "failures > 0 && calls",
    "calls",
  ),
  fault(
    CIRCUIT,
    "counts no successes",
    `about === "success" && rules.failureRatio !== undefined;`,
    "false;",
  ),
  fault(
    CIRCUIT,
    "keeps successes though no ratio is asked for",
    `about === "success" && rules.failureRatio !== undefined;`,
    `about === "success";`,
  ),
  fault(
    CIRCUIT,
    "counts a cancelled call as a failure",
    `const isFailure = about === "failure";`,
    `const isFailure = about !== "success";`,
  ),
  fault(
    CIRCUIT,
    "does not open at a provider's wish",
    "const isDown = isFailure && retryAfterMs > 0 ||",
    "const isDown =",
  ),
  fault(
    CIRCUIT,
    "never forgets a call",
    "({ at }) => now - at < windowMs",
    "() => windowMs >= 0",
  ),
  fault(
    CIRCUIT,
    "forgets a call one millisecond late",
    "now - at < windowMs",
    "now - at <= windowMs",
  ),
  fault(
    CIRCUIT,
    "forgets calls by the last of their slice",
    "at: slice.at,",
    "at,",
  ),
  fault(
    CIRCUIT,
    "cuts the window into ten parts",
    "const SLICES = 100;",
    "const SLICES = 10;",
  ),
  // How long it stays open.
  fault(
    CIRCUIT,
    "does not cool down for longer when probes fail",
    "cooldownMs * Math.min(2 ** failedProbes, 2 ** 31)",
    "cooldownMs",
  ),
  fault(
    CIRCUIT,
    "doubles until it is no number",
    "Math.min(2 ** failedProbes, 2 ** 31)",
    "2 ** failedProbes",
  ),
  fault(
    CIRCUIT,
    "cools down without bound",
    "return Math.min(retryAfterMs > 0 ? retryAfterMs : doubled, maxCooldownMs);",
    "return retryAfterMs > 0 ? Math.min(retryAfterMs, maxCooldownMs) : doubled;",
  ),
  fault(
    CIRCUIT,
    "believes in any wish",
    "return Math.min(retryAfterMs > 0 ? retryAfterMs : doubled, maxCooldownMs);",
    "return retryAfterMs > 0 ? retryAfterMs : Math.min(doubled, maxCooldownMs);",
  ),
  fault(
    CIRCUIT,
    "doubles the first cool-down",
    "failedProbes: 0,",
    "failedProbes: 1,",
  ),
  fault(
    CIRCUIT,
    "hears no wish of a failed probe",
    "retryAfterMs > 0 ? retryAfterMs : doubled",
    "retryAfterMs > 0 && failedProbes === 0 ? retryAfterMs : doubled",
  ),
  fault(
    CIRCUIT,
    "cools down again at every failure",
    `about === "failure" && retryAfterMs > 0\n    ?`,
    `about === "failure"\n    ?`,
  ),
  fault(
    CIRCUIT,
    "hears no wish while it is open",
    "return asked > retryAt ?",
    "return asked > Infinity ?",
  ),
  fault(
    CIRCUIT,
    "lets a wish cut the cool-down short",
    "return asked > retryAt ?",
    "return asked !== retryAt ?",
  ),
  fault(
    CIRCUIT,
    "closes by any success",
    `if (probing && about === "success")`,
    `if (about === "success")`,
  ),
  // Its probe.
  fault(
    CIRCUIT,
    "keeps a probe that was released",
    `if (probing && about === "released") {`,
    `if (probing && about === ("never" as string)) {`,
  ),
  fault(
    CIRCUIT,
    "never lets a probe expire",
    `if (circuit.state === "closed") return { admit: true };`,
    `if (circuit.state === "closed") return { admit: true };\n  if (circuit.probing) return { admit: false, retryAt: circuit.retryAt };`,
  ),
  fault(
    CIRCUIT,
    "lets a probe expire after the longest cool-down",
    "retryAt: at + rules.cooldownMs }",
    "retryAt: at + rules.maxCooldownMs }",
  ),
  fault(
    CIRCUIT,
    "does not close by a probe",
    `if (probing && about === "success") return CLOSED;`,
    `if (probing && about === "success") return { ...circuit, probing: false, retryAt: at };`,
  ),
  fault(
    CIRCUIT,
    "does not count a failed probe",
    "failures: circuit.failures + 1",
    "failures: circuit.failures",
  ),
  // What it says of itself.
  fault(
    CIRCUIT,
    "hides a probe that is out",
    "const isHalfOpen = probing || ",
    "const isHalfOpen = ",
  ),
  fault(
    CIRCUIT,
    "shows failures that are forgotten",
    "sum(recent(circuit, now, rules))",
    "sum(circuit.window)",
  ),
  fault(
    OPTIONS,
    "counts what is the caller's fault",
    "failureOn = isServerTrouble,",
    "failureOn = () => true,",
  ),
  fault(
    OPTIONS,
    "takes the caller's fault for a success",
    `return { about: "released", at };`,
    `return { about: "success", at };`,
  ),
  fault(
    OPTIONS,
    "reads no wishes",
    "retryAfterMs: retryAfterOf(error) }",
    "retryAfterMs: retryAfterOf(undefined) }",
  ),
  // In memory.
  fault(
    MEMORY,
    "lets everything through when it is half-open",
    `circuits.set(model, tell(circuit, { about: "probe", at: now }, rules));`,
    "",
  ),
  fault(
    MEMORY,
    "shares circuits across stores",
    "const circuits = new Map<string, Circuit>();",
    "const circuits: Map<string, Circuit> = (memoryHealth as unknown as { all: Map<string, Circuit> }).all ??= new Map();",
  ),
  fault(
    MEMORY,
    "asks one model's circuit for all",
    "const circuit = circuitOf(model, now);",
    "const circuit = [...circuits.values()][0] ?? CLOSED;",
  ),
  fault(
    MEMORY,
    "believes a circuit from before the clock was set back",
    "believable(circuits.get(model) ?? CLOSED, now, rules)",
    "circuits.get(model) ?? CLOSED",
  ),
  fault(
    MEMORY,
    "lists models in no order",
    ".sort((a, b) => a.model < b.model ? -1 : 1)",
    "",
  ),
  // In a KV: what is stored.
  fault(
    KV,
    "writes without a check",
    "        .check({ key, versionstamp })\n",
    "",
  ),
  fault(
    KV,
    "takes a conflict for a success",
    "if (ok) return after;",
    "return ok ? after : after;",
  ),
  fault(
    KV,
    "does not try again when others were faster",
    "while (Date.now() < deadline)",
    "while (false)",
  ),
  fault(
    KV,
    "tries again for ever",
    "while (Date.now() < deadline)",
    "while (true)",
  ),
  fault(
    KV,
    "takes a lock for the end",
    "if (/locked|busy/i.test(messageOf(error))) return { ok: false };",
    "",
  ),
  fault(
    KV,
    "takes every trouble for a lock",
    "throw error;",
    "return { ok: false };",
  ),
  fault(
    KV,
    "writes what has not changed",
    "if (after === before) return before;",
    "",
  ),
  fault(
    KV,
    "keeps everything for ever",
    "{ expireIn: windowMs + 2 * maxCooldownMs }",
    "{ expireIn: Infinity }",
  ),
  fault(
    KV,
    "lets a cool-down outlive what is stored",
    "{ expireIn: windowMs + 2 * maxCooldownMs }",
    "{ expireIn: windowMs }",
  ),
  fault(
    KV,
    "ignores its prefix",
    "[...prefix, model]",
    `["fallback-stream", "health", model]`,
  ),
  fault(
    KV,
    "shares circuits across stores of a KV",
    "const models = new Map<string, SharedCircuit>();",
    "const models: Map<string, SharedCircuit> = (kvHealth as unknown as { all: Map<string, SharedCircuit> }).all ??= new Map();",
  ),
  fault(
    KV,
    "believes values of other versions",
    "const isCircuit = version === VERSION &&",
    "const isCircuit = version &&",
  ),
  fault(
    KV,
    "believes what is no circuit",
    "return isCircuit ? believable(circuit, now, rules) : CLOSED;",
    "return version === VERSION ? circuit : CLOSED;",
  ),
  fault(
    KV,
    "believes an isolate whose clock is fast",
    "believable(circuit, now, rules)",
    "circuit",
  ),
  fault(
    KV,
    "lists the models of longer prefixes",
    ".filter(({ key }) => key.length === prefix.length + 1)",
    "",
  ),
  fault(
    KV,
    "names models by the start of their keys",
    "String(key.at(-1))",
    "String(key[0])",
  ),
  // In a KV: when it is asked.
  fault(
    KV,
    "believes for ever what it has read",
    "return age >= 0 && age < ms;",
    "return age < Infinity;",
  ),
  fault(
    KV,
    "believes what it has read after the clock was set back",
    "return age >= 0 && age < ms;",
    "return age < ms;",
  ),
  fault(
    KV,
    "waits for the KV though it knows",
    "if (!this.#isYoungerThan(this.#cacheMs, now)) {",
    "if (this.#cacheMs >= 0) {",
  ),
  fault(
    KV,
    "does not refresh what it knows",
    "if (!busy && !this.#isYoungerThan(this.#cacheMs / 2, now)) this.#exchange();",
    "",
  ),
  fault(
    KV,
    "refreshes what it knows at every call",
    "if (!busy && !this.#isYoungerThan(this.#cacheMs / 2, now))",
    "if (!busy)",
  ),
  fault(KV, "refreshes what is being refreshed", "if (!busy && ", "if ("),
  fault(
    KV,
    "forgets that it has asked",
    "    const stored = await within(GIVE_UP_MS, storing);\n    this.#readAt = Date.now();",
    "    const stored = await within(GIVE_UP_MS, storing);",
  ),
  fault(
    KV,
    "asks twice at once",
    "await this.#running?.then(pause);",
    "await undefined;",
  ),
  fault(
    KV,
    "asks once for each that wants to know",
    "return this.#next ??= this.#exchangeNext();",
    "return this.#exchangeNext();",
  ),
  fault(
    KV,
    "tells of every success at once",
    `const canWait = word.about === "success" && this.#known.state === before;`,
    "const canWait = before === undefined;",
  ),
  fault(
    KV,
    "tells of nothing until it is asked",
    "return canWait ? undefined : this.#exchange();",
    "return canWait ? undefined : undefined;",
  ),
  fault(
    KV,
    "tells of what changes nothing",
    "if (!this.#say(word)) return undefined;",
    "if (!this.#say(word)) this.#exchange();",
  ),
  fault(
    KV,
    "loses a failure where it is out of date",
    "if (!message.counted && !mayCount)",
    "if (!message.counted)",
  ),
  // In a KV: its probes.
  fault(
    KV,
    "sends a probe before it is claimed",
    "    await within(deadline - Date.now(), this.#exchange());\n",
    "    this.#exchange();\n",
  ),
  fault(
    KV,
    "sends a probe though another was faster",
    "if (probe?.counted) return",
    "if (probe) return",
  ),
  fault(
    CIRCUIT,
    "believes a claim that is out of date",
    "return at >= retryAt\n",
    "return at >= retryAt || retryAt - at > rules.maxCooldownMs\n",
  ),
  // In a KV: its troubles.
  fault(KV, "lets a KV in trouble fail a call", ".catch(() => null)", ""),
  fault(
    KV,
    "waits too long",
    "const PATIENCE_MS = 200;",
    "const PATIENCE_MS = 2000;",
  ),
  fault(
    KV,
    "waits for ever for a silent KV",
    "await within(GIVE_UP_MS, storing);",
    "await storing;",
  ),
  fault(
    KV,
    "lets every call wait for a silent KV",
    "      // Nobody else has to wait for it, should it be slow.\n      this.#readAt = Date.now();\n",
    "",
  ),
  fault(
    KV,
    "forgets what it could not say",
    "if (stored === null) this.#unsaid.unshift(...messages);",
    "",
  ),
  fault(
    KV,
    "says again what may have been told",
    "if (stored === null)",
    "if (!stored)",
  ),
  fault(
    KV,
    "keeps whatever it could not say",
    "const MOST_UNSAID = 10_000;",
    "const MOST_UNSAID = Infinity;",
  ),
  fault(
    KV,
    "keeps the oldest of what it could not say",
    "this.#unsaid.splice(0, this.#unsaid.length - MOST_UNSAID);",
    "this.#unsaid.splice(MOST_UNSAID);",
  ),
  fault(
    KV,
    "says everything again",
    "const messages = this.#unsaid.splice(0);",
    "const messages = this.#unsaid.slice();",
  ),
  fault(
    KV,
    "never says what was said during an exchange",
    "this.#tell(stored, this.#unsaid);",
    "this.#tell(stored, this.#unsaid.splice(0));",
  ),
  fault(
    KV,
    "does not know what was said during an exchange",
    "this.#tell(stored, this.#unsaid);",
    "stored;",
  ),
  fault(KV, "leaves timers", "    clearTimeout(timer);\n", "    timer;\n"),
];
