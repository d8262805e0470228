import { useEffect, useState } from 'react'

import { useConnection } from '../api/queries'
import type { Connection } from '../api/live'
import { span } from '../format/times'

const SHOWN_AFTER_ATTEMPTS = 2

/** Says that what is shown is no longer moving, since when, and that nobody has to do anything. */
export function Lost() {
  const connection = useConnection()
  if (connection.state !== 'waiting' || connection.attempts < SHOWN_AFTER_ATTEMPTS) return null
  return <Banner connection={connection} />
}

function Banner({ connection }: { connection: Extract<Connection, { state: 'waiting' }> }) {
  const nowMs = useWallClock()
  return (
    <aside className="lost" role="alert" data-testid="lost">
      <strong>Connection lost.</strong> What is shown may be {span((nowMs - connection.sinceMs) / 1_000)} old. The page
      reconnects by itself; if this lasts, check that the platform is running.
    </aside>
  )
}

function useWallClock(): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      setNowMs(Date.now())
    }, 1_000)
    return () => {
      clearInterval(timer)
    }
  }, [])
  return nowMs
}
