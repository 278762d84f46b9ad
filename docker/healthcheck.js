// Exits with 0 if the address that is given answers with a 2xx within two seconds, else with 1.
const answer = await fetch(process.argv[2], { signal: AbortSignal.timeout(2_000) }).catch(
  () => undefined,
);
process.exit(answer?.ok ? 0 : 1);
