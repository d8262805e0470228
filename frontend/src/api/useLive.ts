import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { apply } from './apply'
import { keys } from './keys'
import { LiveConnection } from './live'
import type { Connection, Open } from './live'
import { readToken } from './reading'

const open: Open = (place, onMessage, onClose) => {
  const url = new URL('/api/ws', window.location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  if (place) url.search = new URLSearchParams({ since: String(place.seq), instance: place.instance }).toString()
  const socket = new WebSocket(url)
  const token = readToken()
  // A browser cannot send it in a header.
  if (token) {
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ token }))
    })
  }
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    onMessage(event.data)
  })
  socket.addEventListener('close', onClose)
  return socket
}

/** Keeps the page moving for as long as it is shown. To be used once. */
export function useLive(): void {
  const client = useQueryClient()
  useEffect(() => {
    const connection = new LiveConnection(open, {
      message: (message) => {
        apply(client, message)
      },
      connection: (state) => {
        client.setQueryData<Connection>(keys.connection, state)
      },
    })
    const retry = () => {
      connection.retryNow()
    }
    connection.start()
    window.addEventListener('online', retry)
    return () => {
      window.removeEventListener('online', retry)
      connection.stop()
    }
  }, [client])
}
