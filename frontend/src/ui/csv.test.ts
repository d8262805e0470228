import { describe, expect, it } from 'vitest'

import { csv } from './csv'

const columns = [
  { name: 'asset', value: (row: [string, number | null]) => row[0] },
  { name: 'pnl_usd', value: (row: [string, number | null]) => row[1] },
]

describe('a table as a file', () => {
  it('has a line of names and one for each row; what is not known is empty', () => {
    expect(csv(columns, [['BTC', -3.5], ['ETH', null]])).toBe('asset,pnl_usd\r\nBTC,-3.5\r\nETH,\r\n')
  })

  it('quotes commas, quotation marks and line ends', () => {
    expect(csv(columns, [['a "b", c\nd', 1]])).toBe('asset,pnl_usd\r\n"a ""b"", c\nd",1\r\n')
  })

  it('takes the sting out of what a spreadsheet would run, and leaves numbers numbers', () => {
    const [, ...lines] = csv(columns, [['=1+1', -1], ['@x', 2e-7], ['-12.5', 0]]).split('\r\n')
    expect(lines).toEqual(["'=1+1,-1", "'@x,2e-7", '-12.5,0', ''])
  })
})
