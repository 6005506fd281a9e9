// SPDX-License-Identifier: MPL-2.0

package email

import (
	"fmt"
	"html"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// The HTML part is made of tables with inline styles, as Outlook lays out nothing else, and has no images, scripts or
// anything that is fetched. The style sheet in its head is for dark mode alone; where it is not read, all is light.

// Styles. sans and mono are the readers' own fonts.
const (
	sans = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
	mono = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Courier New',monospace;"
	side = "padding-left:32px;padding-right:32px;"

	darkSheet = `@media (prefers-color-scheme:dark){` +
		`.page{background:#0d1117!important}.card{background:#161b22!important;border-color:#30363d!important}` +
		`.ink{color:#e6edf3!important}.soft{color:#9aa4b0!important}.line{border-color:#30363d!important}` +
		`.code{background:#0d1117!important;color:#e6edf3!important;border-color:#30363d!important}` +
		`.note{background:#2b2412!important;color:#f2d58a!important}` +
		`.first{background:#e6edf3!important}.first a{color:#161b22!important}.other{background:#21262d!important}.other a{color:#e6edf3!important}}`
)

// escape makes a text harmless in HTML, also between quotes.
func escape(text string) string { return html.EscapeString(text) }

// lines is a text of several lines in HTML.
func lines(text string) string { return strings.ReplaceAll(escape(text), "\n", "<br>\n") }

// asHTML is the HTML part.
func (c *content) asHTML() string {
	var out strings.Builder
	out.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n" +
		"<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"supported-color-schemes\" content=\"light dark\">\n" +
		"<title>" + escape(c.title) + "</title>\n<style>" + darkSheet + "</style></head>\n" +
		"<body class=\"page\" style=\"margin:0;padding:0;background:#eef1f4\">\n" +
		"<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>" +
		"<td class=\"page\" align=\"center\" bgcolor=\"#eef1f4\" style=\"padding:24px 12px\">\n" +
		"<table role=\"presentation\" class=\"card\" width=\"640\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" bgcolor=\"#ffffff\" " +
		"style=\"width:100%;max-width:640px;table-layout:fixed;border-collapse:separate;background:#ffffff;" +
		"border:1px solid #d8dee4;border-radius:8px;overflow:hidden\">\n")
	c.writeHeading(&out)
	for _, note := range c.notes {
		row(&out, "padding-top:16px;", "<div class=\"note\" style=\""+sans+"font-size:14px;line-height:20px;padding:10px 14px;"+
			"background:#fff6dc;color:#5c4400;border-left:4px solid #d9a400\">"+escape(note)+"</div>")
	}
	if c.hasOwn {
		row(&out, "padding-top:16px;", "<div class=\"ink\" style=\""+prose+"\">"+c.own+"</div>")
	}
	if c.description != "" {
		row(&out, "padding-top:16px;", "<div class=\"ink\" style=\""+prose+"\">"+lines(c.description)+"</div>")
	}
	if c.runbook != "" {
		row(&out, "padding-top:20px;", caption("Runbook")+"<div class=\"ink\" style=\""+prose+"\">"+lines(c.runbook)+"</div>")
	}
	c.writeButtons(&out)
	c.writeFacts(&out)
	if c.context != "" {
		row(&out, "padding-top:24px;", caption("Context")+"<pre class=\"code\" style=\""+mono+"font-size:12px;line-height:18px;margin:0;padding:12px 14px;"+
			"background:#f6f8fa;color:#1f2328;border:1px solid #d8dee4;border-radius:6px;white-space:pre-wrap;word-break:break-word;overflow-wrap:anywhere\">"+
			escape(c.context)+"</pre>")
	}
	row(&out, "padding-top:24px;padding-bottom:24px;", "<div class=\"soft\" style=\""+sans+"font-size:12px;line-height:18px;color:#656d76\">Sent by alertrouter.</div>")
	out.WriteString("</table>\n</td></tr></table>\n</body></html>\n")
	return out.String()
}

const prose = sans + "font-size:15px;line-height:23px;color:#1f2328;word-break:break-word;overflow-wrap:anywhere"

// row is one row of the card.
func row(out *strings.Builder, style, inner string) {
	out.WriteString("<tr><td style=\"" + side + style + "\">" + inner + "</td></tr>\n")
}

func caption(text string) string {
	return "<div class=\"soft\" style=\"" + sans + "font-size:13px;line-height:20px;font-weight:600;color:#656d76;padding-bottom:6px\">" + text + "</div>\n"
}

// writeHeading writes the colour of the severity, its word and the title.
func (c *content) writeHeading(out *strings.Builder) {
	severity := c.message.Severity
	color := fmt.Sprintf("#%06X", render.LookOf(severity).Color)
	ink := "#ffffff"
	if severity == alert.High || severity == alert.Medium {
		ink = "#1f1300" // white could not be read on these
	}
	out.WriteString("<tr><td bgcolor=\"" + color + "\" style=\"height:8px;line-height:8px;font-size:0;background:" + color + "\">&nbsp;</td></tr>\n")
	row(out, "padding-top:24px;", "<span style=\""+sans+"display:inline-block;font-size:12px;line-height:18px;font-weight:700;letter-spacing:0.6px;"+
		"padding:3px 10px;border-radius:4px;background:"+color+";color:"+ink+"\">"+escape(string(severity))+"</span>")
	row(out, "padding-top:12px;", "<h1 class=\"ink\" style=\""+sans+"margin:0;font-size:22px;line-height:29px;font-weight:700;color:#1f2328;"+
		"word-break:break-word;overflow-wrap:anywhere\">"+escape(c.title)+"</h1>")
	if c.line != "" {
		row(out, "padding-top:6px;", "<div class=\"soft\" style=\""+sans+"font-size:13px;line-height:20px;color:#656d76;word-break:break-word\">"+escape(c.line)+"</div>")
	}
}

// writeButtons writes the links; a cell each, since Outlook gives nothing else a size.
func (c *content) writeButtons(out *strings.Builder) {
	if len(c.links) == 0 {
		return
	}
	var cells strings.Builder
	cells.WriteString("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\n")
	for i, l := range c.links {
		class, color, ink := "other", "#eaeef2", "#1f2328"
		if i == 0 {
			class, color, ink = "first", "#1f2328", "#ffffff"
		} else {
			cells.WriteString("<td width=\"10\" style=\"width:10px;font-size:0\">&nbsp;</td>\n")
		}
		cells.WriteString("<td class=\"" + class + "\" align=\"center\" bgcolor=\"" + color + "\" style=\"padding:10px 18px;border-radius:6px;background:" + color + "\">" +
			"<a href=\"" + escape(l.URL) + "\" style=\"" + sans + "font-size:14px;line-height:20px;font-weight:600;color:" + ink + ";text-decoration:none\">" +
			l.Name + "</a></td>\n")
	}
	cells.WriteString("</tr></table>")
	row(out, "padding-top:20px;", cells.String())
}

func (c *content) writeFacts(out *strings.Builder) {
	if len(c.facts) == 0 {
		return
	}
	var table strings.Builder
	table.WriteString("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"width:100%;table-layout:fixed\">\n")
	for _, f := range c.facts {
		const cell = sans + "font-size:14px;line-height:20px;padding:8px 0;border-top:1px solid #d8dee4;vertical-align:top;"
		table.WriteString("<tr><td class=\"soft line\" width=\"110\" style=\"" + cell + "width:110px;color:#656d76\">" + f.Name + "</td>\n" +
			"<td class=\"ink line\" style=\"" + cell + "color:#1f2328;word-break:break-word;overflow-wrap:anywhere\">" + escape(f.Value) + "</td></tr>\n")
	}
	table.WriteString("</table>")
	row(out, "padding-top:24px;", table.String())
}
