// SPDX-License-Identifier: MPL-2.0

package github

// Issues is where a config has the issues.
func (c Config) Issues() string { return c.issues() }
