select i.supplier, l.position, l.article, l.amount, o.updated_at
from {{ source('docmill', 'invoices__invoice__lines') }} l
join {{ source('docmill', 'invoices__invoice') }} i using (document_id)
join {{ source('docmill', 'docmill_outcomes') }} o using (document_id)
where o.pipeline = 'invoices'
