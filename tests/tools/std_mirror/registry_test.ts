import { assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import { jsrAnswers } from "../../../tools/std_mirror/registry.ts";

/** Calls `jsrAnswers()` with a fetch that responds like this. */
async function jsrAnswersTo(answer: () => Promise<Response>): Promise<boolean> {
  using _fetch = stub(globalThis, "fetch", answer);
  return await jsrAnswers();
}

Deno.test("jsrAnswers() is true for the metadata of a package", async () => {
  const meta = { scope: "std", name: "async" };
  assertEquals(
    await jsrAnswersTo(() => Promise.resolve(Response.json(meta))),
    true,
  );
});

Deno.test("jsrAnswers() is false for the page of a captive portal", async () => {
  const page = new Response("<p>Log in</p>");
  assertEquals(await jsrAnswersTo(() => Promise.resolve(page)), false);
});

Deno.test("jsrAnswers() is false for an error response of a proxy", async () => {
  const blocked = Response.json({ error: "blocked" }, { status: 403 });
  assertEquals(await jsrAnswersTo(() => Promise.resolve(blocked)), false);
});

Deno.test("jsrAnswers() is false without a connection", async () => {
  const failure = new TypeError("error sending request");
  assertEquals(await jsrAnswersTo(() => Promise.reject(failure)), false);
});
