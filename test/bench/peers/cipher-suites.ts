/**
 * Of TLS 1.3, in the order that Dashgate has: left to its default, OpenSSL prefers AES-256, which costs
 * more, and the proxies would not do the same work.
 */
export const CIPHER_SUITES =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
