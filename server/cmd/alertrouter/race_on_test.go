// SPDX-License-Identifier: MPL-2.0

//go:build race

package main

// memoryFactor is how much more memory a program takes that was built with the race detector, as it is here.
const memoryFactor = 10
