// SPDX-License-Identifier: MPL-2.0

package wal

// Active returns which of the files has its turn.
func (l *Log) Active() int { return l.active }
