// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package outbound

const canPeek = false

func silent(uintptr) bool { return false }
