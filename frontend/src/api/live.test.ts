import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { LiveMessage } from './client'
import { LiveConnection, SILENCE_MS, parse, pauseMs } from './live'
import type { Connection, Place } from './live'

/** The network as a test plays it: every opened socket, what it says, and whether it was closed. */
function network() {
  const opened: { place: Place | null; say: (message: unknown) => void; end: () => void; closed: boolean }[] = []
  const heard: LiveMessage[] = []
  const states: Connection[] = []
  const connection = new LiveConnection(
    (place, onMessage, onClose) => {
      const socket = {
        place,
        say: (message: unknown) => {
          onMessage(JSON.stringify(message))
        },
        end: onClose,
        closed: false,
      }
      opened.push(socket)
      return {
        close: () => {
          socket.closed = true
        },
      }
    },
    { message: (message) => heard.push(message), connection: (state) => states.push(state) },
    () => Date.now(),
    () => 1,
  )
  const socket = (index: number) => {
    const found = opened[index]
    if (!found) throw new Error(`socket ${index} was not opened`)
    return found
  }
  return { connection, opened, heard, states, socket }
}

describe('live connection', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is live once the snapshot is there', () => {
    const { connection, socket, states, heard } = network()
    connection.start()
    socket(0).say({ kind: 'snapshot', instance: 'one', seq: 4 })
    socket(0).say({ kind: 'mark', seq: 5 })
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'live'])
    expect(heard.map(({ seq }) => seq)).toEqual([4, 5])
    connection.stop()
  })

  it('comes back after a restart of the server, with growing pauses', () => {
    const { connection, opened, socket, states } = network()
    connection.start()
    socket(0).say({ kind: 'snapshot', instance: 'one', seq: 9 })
    socket(0).end()
    vi.advanceTimersByTime(500)
    socket(1).end()
    vi.advanceTimersByTime(999)
    expect(opened).toHaveLength(2)
    vi.advanceTimersByTime(1)
    socket(2).say({ kind: 'snapshot', instance: 'one', seq: 1 })
    expect(states.at(-1)).toEqual({ state: 'live' })
    connection.stop()
  })

  it('starts over when a number is missing', () => {
    const { connection, socket, heard, states } = network()
    connection.start()
    socket(0).say({ kind: 'snapshot', instance: 'one', seq: 1 })
    socket(0).say({ kind: 'mark', seq: 3 })
    expect(heard).toHaveLength(1)
    expect(socket(0).closed).toBe(true)
    expect(states.at(-1)?.state).toBe('waiting')
    vi.advanceTimersByTime(500)
    expect(socket(1).place).toBeNull()
    connection.stop()
  })

  it('goes on where it stopped: asks for what it missed, and takes a snapshot where there is no more', () => {
    const { connection, socket, heard } = network()
    connection.start()
    expect(socket(0).place).toBeNull()
    socket(0).say({ kind: 'snapshot', instance: 'one', seq: 4 })
    socket(0).say({ kind: 'mark', seq: 5 })
    socket(0).end()
    vi.advanceTimersByTime(500)
    expect(socket(1).place).toEqual({ seq: 5, instance: 'one' })
    socket(1).say({ kind: 'resumed', instance: 'one', seq: 5 })
    socket(1).say({ kind: 'mark', seq: 6 })
    socket(1).end()
    vi.advanceTimersByTime(500)
    expect(socket(2).place).toEqual({ seq: 6, instance: 'one' })
    socket(2).say({ kind: 'snapshot', instance: 'two', seq: 1 })
    socket(2).say({ kind: 'mark', seq: 2 })
    expect(heard.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['snapshot', 4], ['mark', 5], ['resumed', 5], ['mark', 6], ['snapshot', 1], ['mark', 2],
    ])
    connection.stop()
  })

  it('takes a long silence for a dead line', () => {
    const { connection, socket, states } = network()
    connection.start()
    socket(0).say({ kind: 'snapshot', instance: 'one', seq: 1 })
    vi.advanceTimersByTime(SILENCE_MS)
    expect(states.at(-1)?.state).toBe('waiting')
    connection.stop()
  })

  it('tries at once when told to', () => {
    const { connection, opened, socket } = network()
    connection.start()
    socket(0).end()
    connection.retryNow()
    connection.retryNow()
    expect(opened).toHaveLength(2)
    connection.stop()
  })

  it('waits at most ten seconds between attempts', () => {
    expect([0, 1, 2, 20].map((attempts) => pauseMs(attempts, 1))).toEqual([500, 1_000, 2_000, 10_000])
    expect(pauseMs(20, 0)).toBe(5_000)
  })

  it('passes over what a newer server may say', () => {
    expect(parse('{"kind":"news","seq":1}')).toBeNull()
    expect(parse(new ArrayBuffer(1))).toBeNull()
  })
})
