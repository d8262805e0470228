/** Words of the rule book as a person reads them. */

const WORDS: Readonly<Record<string, string>> = {
  stop_loss: 'stop loss',
  take_profit: 'take profit',
  timeout: 'time-out',
  signal: 'opposite signal',
  manual: 'closed by hand',
  resolved: 'resolved',
  already_open: 'already open',
  low_confidence: 'low confidence',
  max_positions: 'position limit',
  max_exposure: 'exposure limit',
  no_price: 'no price',
  too_small: 'too small',
  nothing_open: 'nothing open',
  stale: 'too late',
  cooldown: 'cooling down',
  paused: 'paused',
}

export function words(key: string): string {
  return WORDS[key] ?? key.replaceAll('_', ' ')
}
