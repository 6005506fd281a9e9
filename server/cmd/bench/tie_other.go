// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package main

import "os/exec"

// tie does nothing: a measurement that is itself killed leaves its server behind.
func tie(*exec.Cmd) {}
