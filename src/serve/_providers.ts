// Well-known providers: their URLs, keys and default models.

/** The settings of a known provider. */
export interface Provider {
  /** The URL before `/chat/completions`. */
  readonly baseURL: string;
  /** The environment variable that usually has the key. Local servers have none. */
  readonly keyName?: string;
  /** The model that is used without a configuration. */
  readonly model?: string;
}

/** The providers by the name that a configuration gives. */
export const PROVIDERS: Readonly<Record<string, Provider>> = {
  openai: {
    baseURL: "https://api.openai.com/v1",
    keyName: "OPENAI_API_KEY",
    model: "gpt-4o-mini",
  },
  anthropic: {
    baseURL: "https://api.anthropic.com/v1",
    keyName: "ANTHROPIC_API_KEY",
    model: "claude-haiku-4-5",
  },
  gemini: {
    baseURL: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyName: "GEMINI_API_KEY",
    model: "gemini-2.5-flash",
  },
  groq: {
    baseURL: "https://api.groq.com/openai/v1",
    keyName: "GROQ_API_KEY",
    model: "llama-3.3-70b-versatile",
  },
  mistral: {
    baseURL: "https://api.mistral.ai/v1",
    keyName: "MISTRAL_API_KEY",
    model: "mistral-small-latest",
  },
  deepseek: {
    baseURL: "https://api.deepseek.com/v1",
    keyName: "DEEPSEEK_API_KEY",
    model: "deepseek-chat",
  },
  openrouter: {
    baseURL: "https://openrouter.ai/api/v1",
    keyName: "OPENROUTER_API_KEY",
    model: "openrouter/auto",
  },
  xai: {
    baseURL: "https://api.x.ai/v1",
    keyName: "XAI_API_KEY",
    model: "grok-4",
  },
  together: {
    baseURL: "https://api.together.xyz/v1",
    keyName: "TOGETHER_API_KEY",
    model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
  },
  fireworks: {
    baseURL: "https://api.fireworks.ai/inference/v1",
    keyName: "FIREWORKS_API_KEY",
    model: "accounts/fireworks/models/llama-v3p3-70b-instruct",
  },
  cerebras: {
    baseURL: "https://api.cerebras.ai/v1",
    keyName: "CEREBRAS_API_KEY",
    model: "llama-3.3-70b",
  },
  moonshot: {
    baseURL: "https://api.moonshot.ai/v1",
    keyName: "MOONSHOT_API_KEY",
    model: "kimi-latest",
  },
  perplexity: {
    baseURL: "https://api.perplexity.ai",
    keyName: "PERPLEXITY_API_KEY",
    model: "sonar",
  },
  ollama: { baseURL: "http://127.0.0.1:11434/v1" },
  lmstudio: { baseURL: "http://127.0.0.1:1234/v1" },
  llamacpp: { baseURL: "http://127.0.0.1:8080/v1" },
  vllm: { baseURL: "http://127.0.0.1:8000/v1" },
};
