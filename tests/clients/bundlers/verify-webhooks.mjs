/**
 * Verifies the webhooks on the standard input with the npm package `standardwebhooks`: a list of
 * `{secret, headers, body}`. Prints for each the verified body, or null if it is refused.
 */

import { text } from "node:stream/consumers";

import { Webhook, WebhookVerificationError } from "standardwebhooks";

function verified({ secret, headers, body }) {
  try {
    return new Webhook(secret).verify(body, headers);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return null;
    throw error;
  }
}

console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(verified)));
