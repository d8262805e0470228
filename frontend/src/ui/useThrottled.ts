import { useEffect, useRef, useState } from 'react'

/** `value`, changing at most once in `periodMs`: charts need not be redrawn for every message. */
export function useThrottled<T>(value: T, periodMs: number): T {
  const [shown, setShown] = useState(value)
  const latest = useRef(value)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => {
    latest.current = value
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      setShown(latest.current)
    }, periodMs)
  }, [value, periodMs])
  useEffect(
    () => () => {
      clearTimeout(timer.current)
      timer.current = undefined
    },
    [],
  )
  return shown
}
