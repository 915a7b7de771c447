// The command: what it prints, and its exit code.

import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";

const command = new URL("../../src/serve/mod.ts", import.meta.url).pathname;
const tool = new URL("../../tools/deno.ts", import.meta.url).pathname;

function start(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", tool, "run", "-A", "--no-check", command, ...args],
    env: { OPENAI_API_KEY: "" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("the serve command with --demo answers a client with fake models", async () => {
  const child = start(["--demo", "--port=0"]);
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  let url: string | undefined;
  while (url === undefined) {
    const { value, done } = await lines.read();
    assert(!done);
    url = /http:\/\/\S+/.exec(value)?.[0];
  }
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "chat",
      messages: [{ role: "user", content: "hi" }],
    }),
  });
  const { model, usage } = await response.json();
  assertEquals(model, "fake-steady");
  assert(usage.completion_tokens > 10);
  child.kill("SIGTERM");
  await lines.cancel();
  await child.stderr.cancel();
  await child.status;
});

Deno.test("the serve command exits with 1 and the path of an invalid file, and shows no secret", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const secret = "sk-in-the-file-0123456789";
  const texts = [
    `{ "keys": ["${secret}"`,
    `{ "keys": ["${secret}"], "models": { "chat": [{ "modle": 1 }] } }`,
  ];
  try {
    for (const text of texts) {
      await Deno.writeTextFile(file, text);
      const { code, stdout, stderr } = await start([file]).output();
      const decoder = new TextDecoder();
      const printed = decoder.decode(stdout) + decoder.decode(stderr);
      assertEquals(code, 1);
      assert(printed.includes(file) && !printed.includes(secret), printed);
    }
  } finally {
    await Deno.remove(file);
  }
});
