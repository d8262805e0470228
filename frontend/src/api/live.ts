/** The one WebSocket: connects, notices silence and holes, comes back with growing pauses. */

import type { LiveMessage } from './client'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000
/** The server speaks at least every few seconds; this long without a word means that the line is dead. */
export const SILENCE_MS = 12_000

export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'waiting'; retryAtMs: number; attempts: number; sinceMs: number }

/** How far this page has heard: the number of the newest message, and which server counted it. */
export interface Place {
  seq: number
  instance: string
}

/**
 * One connection being made: what it hears and its end go to the two callbacks. From `place` it asks for what was
 * missed; the server may begin anew all the same.
 */
export type Open = (place: Place | null, onMessage: (data: unknown) => void, onClose: () => void) => Socket

export interface Socket {
  close: () => void
}

interface Handlers {
  message: (message: LiveMessage) => void
  connection: (connection: Connection) => void
}

/** Pause before attempt `attempts` + 1. `jitter` from 0 to 1 spreads browsers that lost the same server. */
export function pauseMs(attempts: number, jitter: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts)
  return full * (0.5 + jitter / 2)
}

const KINDS = new Set(['snapshot', 'resumed', 'fill', 'signal', 'position', 'mark', 'equity', 'candle', 'health'])

function isLiveMessage(value: unknown): value is LiveMessage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    KINDS.has(value.kind) &&
    'seq' in value &&
    typeof value.seq === 'number'
  )
}

/** The message in `data`; null for one that this page is too old to know. */
export function parse(data: unknown): LiveMessage | null {
  if (typeof data !== 'string') return null
  const value: unknown = JSON.parse(data)
  return isLiveMessage(value) ? value : null
}

export class LiveConnection {
  private socket: Socket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private watchdog: ReturnType<typeof setTimeout> | undefined
  private attempts = 0
  private place: Place | null = null
  private greeted = false
  private lostAtMs: number | null = null

  constructor(
    private readonly open: Open,
    private readonly handlers: Handlers,
    private readonly now: () => number = Date.now,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    this.connect()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.drop()
  }

  /** At once, say because the machine is online again. */
  retryNow(): void {
    if (this.socket) return
    clearTimeout(this.timer)
    this.connect()
  }

  private connect(): void {
    if (this.lostAtMs === null) this.handlers.connection({ state: 'connecting' })
    this.greeted = false
    this.listen()
    const socket = this.open(
      this.place,
      (data) => {
        if (this.socket !== socket) return
        this.listen()
        const message = parse(data)
        if (message) this.receive(message)
      },
      () => {
        if (this.socket === socket) this.lost()
      },
    )
    this.socket = socket
  }

  private receive(message: LiveMessage): void {
    if (message.kind === 'snapshot' || message.kind === 'resumed') {
      this.place = { seq: message.seq, instance: message.instance }
      this.greeted = true
      this.attempts = 0
      this.lostAtMs = null
      this.handlers.connection({ state: 'live' })
    } else {
      // A hole means that something was missed: the next connection begins with a snapshot.
      if (!this.greeted || message.seq !== (this.place?.seq ?? 0) + 1) {
        this.place = null
        this.lost()
        return
      }
      this.place = this.place && { ...this.place, seq: message.seq }
    }
    this.handlers.message(message)
  }

  private listen(): void {
    clearTimeout(this.watchdog)
    this.watchdog = setTimeout(() => {
      this.lost()
    }, SILENCE_MS)
  }

  private lost(): void {
    this.drop()
    const nowMs = this.now()
    this.lostAtMs ??= nowMs
    const pause = pauseMs(this.attempts, this.random())
    this.attempts += 1
    this.handlers.connection({
      state: 'waiting',
      retryAtMs: nowMs + pause,
      attempts: this.attempts,
      sinceMs: this.lostAtMs,
    })
    this.timer = setTimeout(() => {
      this.connect()
    }, pause)
  }

  private drop(): void {
    clearTimeout(this.watchdog)
    const socket = this.socket
    this.socket = null
    socket?.close()
  }
}
