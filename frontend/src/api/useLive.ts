import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { apply } from './apply'
import { keys } from './keys'
import { LiveConnection } from './live'
import type { Connection, Open } from './live'

const open: Open = (onMessage, onClose) => {
  const url = new URL('/api/ws', window.location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(url)
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
