import { assertEquals } from "@std/assert";
import { providerAttributes } from "../../src/otel/_providers.ts";

/** A name that the AI SDK gives a provider, and the host of that provider. */
const SAME_PROVIDER: Readonly<Record<string, string>> = {
  "openai.chat": "api.openai.com",
  "anthropic.messages": "api.anthropic.com",
  "azure.chat": "eu.openai.azure.com",
  "azure-openai.chat": "eu.openai.azure.com",
  "amazon-bedrock": "bedrock-runtime.eu-west-1.amazonaws.com",
  "bedrock.chat": "bedrock-runtime.eu-west-1.amazonaws.com",
  "google.generative-ai": "generativelanguage.googleapis.com",
  "google-vertex": "europe-west1-aiplatform.googleapis.com",
  "vertex.anthropic": "aiplatform.googleapis.com",
  "groq.chat": "api.groq.com",
  "mistral.chat": "api.mistral.ai",
  "deepseek.chat": "api.deepseek.com",
  "xai.chat": "api.x.ai",
  "cohere.chat": "api.cohere.com",
  "perplexity": "api.perplexity.ai",
  "moonshotai.chat": "api.moonshot.cn",
};

for (const [name, host] of Object.entries(SAME_PROVIDER)) {
  Deno.test(`gen_ai.provider.name is the same for ${name} and ${host}`, () => {
    const known = providerAttributes(name)["gen_ai.provider.name"];
    const { "gen_ai.provider.name": served, ...server } = providerAttributes(
      host,
    );
    assertEquals(known, served);
    assertEquals(server, { "server.address": host, "server.port": 443 });
  });
}
