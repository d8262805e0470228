/** How every number looks. Money comes as a decimal string and is only formatted, never added up. */

export const NONE = '–'
const MINUS = '\u2212'

const usd2 = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const ratio2 = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

function withSign(text: string, value: number, plus: boolean): string {
  const zero = !/[1-9]/.test(text)
  if (zero) return text
  if (value < 0) return MINUS + text
  return plus ? `+${text}` : text
}

/** `10,012.35` */
export function usd(amount: string): string {
  const value = Number(amount)
  return withSign(usd2.format(Math.abs(value)), value, false)
}

/** `+12.35` or `−3.10`: an amount whose direction matters. */
export function signedUsd(amount: string | number): string {
  const value = Number(amount)
  return withSign(usd2.format(Math.abs(value)), value, true)
}

/** `10,012` or `10,012.50`: the labels of an axis. */
export function amount(value: number, digits: number): string {
  return withSign(
    Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    value,
    false,
  )
}

/** As many decimals as a price of that size is quoted with: `84,036.8`, `2,120.45`, `139.482`, `0.5321`. */
export function price(quoted: string | number): string {
  const value = Number(quoted)
  return amount(value, pricePrecision(value))
}

export function pricePrecision(value: number): number {
  const size = Math.abs(value)
  if (size >= 10_000) return 1
  if (size >= 1_000) return 2
  return size >= 10 ? 3 : 4
}

/** The quantity as the venue counts it, without zeros at its end. */
export function quantity(amount: string): string {
  const [head = '0', tail = ''] = amount.split('.')
  const digits = tail.replace(/0+$/, '')
  return digits ? `${head}.${digits}` : head
}

/** `1.25 %` from 0.0125; per cent exists only on screen. */
export function percent(fraction: number, digits = 2): string {
  return withSign(`${Math.abs(fraction * 100).toFixed(digits)} %`, fraction, false)
}

export function signedPercent(fraction: number, digits = 2): string {
  return withSign(`${Math.abs(fraction * 100).toFixed(digits)} %`, fraction, true)
}

export function ratio(value: number): string {
  return withSign(ratio2.format(Math.abs(value)), value, false)
}

/** How often: `2.83`, but `68` and not `68.00`. */
export function rate(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

/** `0.00006744` of `6.744e-05`, as programs write small numbers; any other text as it is. */
export function written(text: string): string {
  if (!/^-?\d+(\.\d+)?e[+-]?\d+$/i.test(text)) return text
  return withSign(Math.abs(Number(text)).toLocaleString('en-US', { maximumSignificantDigits: 8 }), Number(text), false)
}

export function count(value: number): string {
  return whole.format(value)
}

/** Which way an amount of USD points: decides its colour. What is shown as 0.00 points nowhere. */
export function direction(amount: string | number | null | undefined): 'up' | 'down' | 'flat' {
  const value = Number(amount ?? 0)
  if (Math.abs(value) < 0.005) return 'flat'
  return value > 0 ? 'up' : 'down'
}
