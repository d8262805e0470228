import { expect, it } from 'vitest'

import { aCurve } from '../../test/builders'
import { placesOf } from './overview'

const { points } = aCurve(null, [[10, '1'], [20, '1'], [30, '1'], [40, '1']])

it('the handles stand at the points of the span, two apart at least', () => {
  expect(placesOf(points, 15, 30)).toEqual([1, 2])
  expect(placesOf(points, 0, 99)).toEqual([0, 3])
  expect(placesOf(points, 21, 22)).toEqual([2, 3])
  expect(placesOf(points, 41, 50)).toEqual([2, 3])
  expect(placesOf(points.slice(0, 1), 0, 50)).toEqual([0, 0])
})
