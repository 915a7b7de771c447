// Prints where Deno keeps the files of `npm:deno-std@VERSION`, which it fetches if
// need be. It runs without permissions, because it has to import a file of the
// package before Deno says where that is.

const file = "bytes/copy.js"; // a file without any effect on import
// Computed, so that a type check of this module does not fetch the package.
const specifier = `npm:deno-std@${Deno.args[0]}/${file}`;
await import(specifier);
console.log(new URL("../", import.meta.resolve(specifier)).href);
