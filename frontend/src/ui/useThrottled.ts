import { useEffect, useRef, useState } from 'react'

/**
 * `value`, changing at most once in `periodMs`: charts need not be redrawn for every message.
 *
 * Another `kind` of value is shown at once.
 */
export function useThrottled<T>(value: T, periodMs: number, kind = ''): T {
  const [shown, setShown] = useState({ value, kind })
  const latest = useRef({ value, kind })
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => {
    latest.current = { value, kind }
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      setShown(latest.current)
    }, periodMs)
  }, [value, kind, periodMs])
  useEffect(
    () => () => {
      clearTimeout(timer.current)
      timer.current = undefined
    },
    [],
  )
  if (kind !== shown.kind) {
    setShown({ value, kind })
    return value
  }
  return shown.value
}
