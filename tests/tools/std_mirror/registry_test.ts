import { assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import { jsrAnswers } from "../../../tools/std_mirror/registry.ts";

/** Asks while the network answers like this. */
async function jsrAnswersTo(answer: () => Promise<Response>): Promise<boolean> {
  using _fetch = stub(globalThis, "fetch", answer);
  return await jsrAnswers();
}

Deno.test("JSR answers with the metadata of a package", async () => {
  const meta = { scope: "std", name: "async" };
  assertEquals(
    await jsrAnswersTo(() => Promise.resolve(Response.json(meta))),
    true,
  );
});

Deno.test("a portal's page is not an answer of JSR", async () => {
  const page = new Response("<p>Log in</p>");
  assertEquals(await jsrAnswersTo(() => Promise.resolve(page)), false);
});

Deno.test("a proxy's refusal is not an answer of JSR", async () => {
  const refusal = Response.json({ error: "blocked" }, { status: 403 });
  assertEquals(await jsrAnswersTo(() => Promise.resolve(refusal)), false);
});

Deno.test("no connection is no answer of JSR", async () => {
  const failure = new TypeError("error sending request");
  assertEquals(await jsrAnswersTo(() => Promise.reject(failure)), false);
});
