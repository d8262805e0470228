const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `8.0 GiB`; below 1 KiB whole bytes. */
export function bytes(size: number): string {
  let value = Math.max(0, size)
  let unit = 0
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`
}
