// Faults turned on and off by their cards.

import { buildRule, isRuleOfCard } from "./fault-cards.js";

/** @import { AppContext } from "./app-context.js" */
/** @import { FaultCard, FaultScope } from "./fault-cards.js" */

/**
 * Turn a card off if any of its rules is on, otherwise on. Throws ApiError.
 * @param {AppContext} context
 * @param {FaultCard} card
 * @param {string | undefined} value of its option
 * @param {FaultScope} scope
 */
export async function toggleFault(context, card, value, scope) {
  const { rules } = context;
  const own = rules.list.filter((rule) => rule.scope !== "file" && isRuleOfCard(card, rule));
  const isOn = own.some((rule) => !rules.isExpired(rule));
  await rules.remove(own);
  if (isOn) context.announce(`${card.title} is off`);
  else await addFault(context, card, value, scope);
}

/**
 * Add the rule of a card. Throws ApiError.
 * @param {AppContext} context
 * @param {FaultCard} card
 * @param {string | undefined} value of its option
 * @param {FaultScope} scope
 */
export async function addFault(context, card, value, scope) {
  await context.rules.add(buildRule(card, value, scope), scope.session);
  context.announce(`${card.title} is on`);
}
