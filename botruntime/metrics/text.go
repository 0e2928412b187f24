package metrics

import (
	"strconv"
	"strings"
)

// contentType is that of Prometheus' text format, which every scraper reads. The bot writes it itself: the common
// client library takes 1.5 MB of each bot's memory for the same numbers.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// page is the answer to a scrape. The rows of a family follow its head, or scrapers refuse the page.
type page struct{ text []byte }

func (p *page) family(name, kind, help string) {
	p.text = append(p.text, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// row adds a value of the family before it; labels are names and values in turn.
func (p *page) row(name string, value float64, labels ...string) {
	p.text = append(p.text, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		p.text = append(p.text, separator)
		p.text = append(p.text, labels[i]+`="`+labelEscapes.Replace(labels[i+1])+`"`...)
	}
	if len(labels) > 0 {
		p.text = append(p.text, '}')
	}
	p.text = append(p.text, ' ')
	p.text = append(strconv.AppendFloat(p.text, value, 'g', -1, 64), '\n')
}

func (p *page) gauge(name, help string, value float64) {
	p.family(name, "gauge", help)
	p.row(name, value)
}

func (p *page) counter(name, help string, value float64) {
	p.family(name, "counter", help)
	p.row(name, value)
}
