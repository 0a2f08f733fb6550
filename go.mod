module conga

go 1.26
